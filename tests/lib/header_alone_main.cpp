// The headers are tested by being compiled.
int main() {}
