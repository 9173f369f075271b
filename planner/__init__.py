"""planner: infrastructure as code for private LLM farms."""

__version__ = "0.1.0"
