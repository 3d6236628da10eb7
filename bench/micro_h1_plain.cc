// micro_h1_plain.cc - micro_h1.cc with the plain scanners, as on processors without SSE2. The Makefile links them in.
#include "bench/micro_h1.cc"
