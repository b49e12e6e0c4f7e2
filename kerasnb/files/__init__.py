"""What models leave on a disk: formats that are read strictly, and written whole or not at all."""
