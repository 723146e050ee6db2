"""The acceptance of one real machine: deployed, looked through, struck, measured, and signed for."""
