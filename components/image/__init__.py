"""The image that a stack deploys: its reference, its digest, and what was deployed before."""
