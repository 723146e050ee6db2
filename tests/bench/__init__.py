"""What must be fast, measured beside a floor on a real sandbox store."""
