"""The release function: what CloudFormation has done before the functions of a stack change."""
