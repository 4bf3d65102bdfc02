"""Real face networks, offline: where faces are, their 68 points, and whose they are.

Reading order: pixels, recognition, landmarks, detector (the networks), align, warp (where a face is cut out, and how),
find, network (what losses take), stored, convert, load (from the package's files to here), onnx_file, onnx_network (any
other recognition network). Weights, their origin and licences: assets/faces.
"""

from losses.faces.align import Square
from losses.faces.find import Face, FaceFinder, NoFaceFound
from losses.faces.load import load_face_network, load_finder, load_recognition
from losses.faces.network import FaceNetwork, FixedFaceNetwork
from losses.faces.onnx_network import load_onnx_network

__all__ = [
    "Face",
    "FaceFinder",
    "FaceNetwork",
    "FixedFaceNetwork",
    "NoFaceFound",
    "Square",
    "load_face_network",
    "load_finder",
    "load_onnx_network",
    "load_recognition",
]
