"""What several methods share: networks, label codecs, conditioning, diffusion, models made elsewhere."""
