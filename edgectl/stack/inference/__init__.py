"""One inference service: the Open Inference Protocol v2 over HTTP, one ONNX model, the standard library's server."""
