"""I3D with a ResNet-50."""
