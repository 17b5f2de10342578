"""What the engineer of a county needs beside the running service: is it configured right, is it well, can it be had back."""
