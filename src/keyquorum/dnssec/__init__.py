"""Floor 2a: RRsets, signing input, request and response formats, schemas, trust anchors."""
