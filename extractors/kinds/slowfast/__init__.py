"""SlowFast with a ResNet-50."""
