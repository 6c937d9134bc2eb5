#include "apps/command_line.h"

int main(int argc, char** argv) { return minissl::run_command_line(argc, argv); }
