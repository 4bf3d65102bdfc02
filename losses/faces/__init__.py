"""Face networks for photographs, from local files: detection, 68 landmarks, recognition, people and background.

Reading order: pixels, recognition, landmarks, detector, person (networks); align, warp (crops); find (detection in
photographs); network (`FaceNetwork`, for losses); stored, convert, load (weights); onnx_file, onnx_network (other
recognition networks). assets/faces lists the weights, their origin and licences.
"""

from losses.faces.align import Square
from losses.faces.find import Face, FaceFinder, NoFaceFound
from losses.faces.load import load_face_network, load_finder, load_recognition, load_segmenter
from losses.faces.network import FaceNetwork, FixedFaceNetwork
from losses.faces.onnx_network import load_onnx_network
from losses.faces.person import PersonSegmenter

__all__ = [
    "Face",
    "FaceFinder",
    "FaceNetwork",
    "FixedFaceNetwork",
    "NoFaceFound",
    "PersonSegmenter",
    "Square",
    "load_face_network",
    "load_finder",
    "load_onnx_network",
    "load_recognition",
    "load_segmenter",
]
