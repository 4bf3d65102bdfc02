// What the package's own JavaScript finds in raw pictures: node parity.mjs NODE_MODULES PICTURES.json > found.json
// PICTURES.json lists {name, width, height, file, sizes}; a file holds the bytes of height x width x 3 pixels.
// Every picture is looked at as a face cut out already (descriptor, landmarks) and as a photograph (the pipeline).
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [, , modules, listing] = process.argv;
const require = createRequire(path.join(path.resolve(modules), 'noop.js'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');

const backend = process.env.PARITY_BACKEND || 'wasm';
wasm.setWasmPaths(path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out') + path.sep);
await tf.setBackend(backend);
await tf.ready();
const weights = path.join(path.dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
for (const net of ['tinyFaceDetector', 'faceLandmark68Net', 'faceRecognitionNet']) {
  await faceapi.nets[net].loadFromDisk(weights);
}

const points = (positions) => positions.map((p) => [p.x, p.y]);
const found = {};
for (const picture of JSON.parse(readFileSync(listing))) {
  const bytes = Uint8Array.from(readFileSync(picture.file));
  const tensor = tf.tensor3d(bytes, [picture.height, picture.width, 3], 'int32');
  const one = { faces: {}, raw: {} };
  one.descriptor = Array.from(await faceapi.nets.faceRecognitionNet.computeFaceDescriptor(tensor));
  one.landmarks = points((await faceapi.nets.faceLandmark68Net.detectLandmarks(tensor)).positions);
  for (const inputSize of picture.sizes) {
    const options = new faceapi.TinyFaceDetectorOptions({ inputSize, scoreThreshold: 0.5 });
    const raw = await faceapi.nets.tinyFaceDetector.forward(tensor, inputSize);
    one.raw[inputSize] = Array.from(await raw.data());
    const faces = await faceapi.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors();
    one.faces[inputSize] = faces.map((face) => ({
      score: face.detection.score,
      box: [face.detection.box.left, face.detection.box.top, face.detection.box.right, face.detection.box.bottom],
      points: points(face.landmarks.positions),
      descriptor: Array.from(face.descriptor),
    }));
  }
  found[picture.name] = one;
}
process.stdout.write(JSON.stringify({ backend: tf.getBackend(), tensorflow: tf.version_core, faceapi: faceapi.version, found }));
