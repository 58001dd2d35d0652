"""Many runs on any executor: processes of this machine, or a cluster."""
