"""KServe V1 and the Open Inference Protocol V2: bytes to inference calls, and back."""
