"""The chain, from the GPU to the sink: asked, remembered, judged, and the gate that a deploy passes at last."""
