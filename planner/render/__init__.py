"""Files per host as values: compose files, units, manifests. One file a runtime.

Pure. Values reach YAML and units through one escaping function each (``yaml_text``, ``unit_text``).
"""
