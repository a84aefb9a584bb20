"""Building blocks of networks: plain functions and small modules, without options of their own."""
