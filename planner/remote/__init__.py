"""The only road to a host: run, put, http; over SSH, on this machine, or on a fake that ships."""
