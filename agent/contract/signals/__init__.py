"""What rules watch beside the value itself: slopes, stillness, distance from what is usual."""
