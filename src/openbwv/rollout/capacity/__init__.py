"""What storage, network, docks and people a number of cameras needs."""
