"""What a store may become, as rules in CEL: judged on the operator's machine before a byte is sent."""
