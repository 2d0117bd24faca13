"""The subcommands of `./bwv study`, one a module: options in, text or JSON out."""
