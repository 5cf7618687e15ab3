"""PANNs' CNN14."""
