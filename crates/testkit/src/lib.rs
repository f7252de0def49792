//! Real servers for tests: started on a free port, killed on drop.
