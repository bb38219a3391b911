"""What schedules keep of their executions."""
