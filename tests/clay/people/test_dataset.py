from clay.people.dataset import SPLITS, Split, person, scene


def test_no_identity_is_in_two_splits():
    owners = [set(split.owners().tolist()) for split in SPLITS]
    assert sum(map(len, owners)) == len(set.union(*owners))


def test_views_of_a_person_share_the_person_and_nothing_else():
    (first, view), (second, other) = scene(5, 0), scene(5, 1)
    assert first == second == person(5)
    assert view != other
    assert scene(6, 0)[1] != view


def test_scenes_are_listed_in_the_order_of_their_owners():
    split = Split("tiny", 7, 3, views=2)
    assert split.owners().tolist() == [7, 7, 8, 8, 9, 9]
    assert [p for p, _ in split.scenes()] == [person(i) for i in split.owners()]
    assert len(split) == 6


def test_the_first_people_of_a_split_are_a_split():
    split = Split("tiny", 7, 3, views=2)
    assert split.first_people(2).scenes() == split.scenes()[:4]
    assert split.first_people(None) == split.first_people(9) == split
