"""What the integration tests are written with: PostgreSQL, the program, scripted peers."""
