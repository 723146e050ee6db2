"""What interrupts a store that serves: when it may."""
