"""What can be sold and for how much: products, packages, rating methods, prices."""
