"""How an array was made, and how two folders of arrays compare."""
