"""Where crystals of one's own come from: a module for each kind of file, and one table that they all become."""
