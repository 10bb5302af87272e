"""Templates of packages that people use, and the judge over all of them."""
