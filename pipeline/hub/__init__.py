"""Exported students and artifact sets on the Hugging Face Hub, or on a server that speaks its protocol."""
