"""The server process and its HTTP/1.1 connections, on top of uvicorn."""
