/*
 * weir.c - the program: finds the subcommand that its first argument names.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/commands.h"
#include "tools/common/output.h"

/* jemalloc reads this at its start. Memory that many connections used returns to the system a second after
 * they close, and not only when a later allocation happens to notice: 48 MB became 19 MB after 500 clients
 * that did not read. A build without jemalloc ignores it. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

static const struct command {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "serve files, or a small built-in site, over HTTP/2 and HTTP/1.1", command_serve},
    {"load", "make requests over HTTP/2 and measure the answers", command_load},
    {"report", "compare results of weir load, or add them up", command_report},
    {"trace", "fetch a page and show how it arrived, frame by frame", command_trace},
    {"forward", "forward local ports to a Kubernetes pod", command_forward},
    {"tunnel", "let kubectl port-forward reach hosts that are in no cluster", command_tunnel},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to) {
  fputs("Usage: weir COMMAND [OPTIONS]\n\nCommands\n", to);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fputs("\n"
        "weir help COMMAND, or weir COMMAND --help, explains a command.\n"
        "weir version, or weir --version, prints the version.\n",
        to);
}

static const struct command *find(const char *name) {
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int no_such_command(const char *name) {
  fprintf(stderr, "weir: %s: no such command; see weir --help\n", name);
  return EXIT_USAGE;
}

static int help(const char *name) {
  if (!name) {
    print_help(stdout);
    return output_end("weir", EXIT_DONE);
  }
  const struct command *command = find(name);
  if (!command) return no_such_command(name);
  char option[] = "--help";
  char *argv[] = {(char *)command->name, option, NULL};
  return command->run(2, argv);
}

/* If the program was started without descriptors 0 to 2, its first sockets would get those numbers,
 * and its messages would go there. False: there is no /dev/null. */
static bool open_standard_streams(void) {
  int fd;
  do
    fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd < 0) return false;
  close(fd);
  return true;
}

/* Whether `text` is `word`, --word, or the letter that stands for it. */
static bool is_either(const char *text, const char *word, const char *letter) {
  const char *bare = strncmp(text, "--", 2) == 0 ? text + 2 : text;
  return strcmp(bare, word) == 0 || strcmp(text, letter) == 0;
}

int main(int argc, char **argv) {
  if (!open_standard_streams()) return EXIT_FAILED;
  if (argc < 2) {
    print_help(stderr);
    return EXIT_USAGE;
  }
  const char *name = argv[1];
  if (is_either(name, "version", "-V")) return output_text("weir", "weir " WEIR_VERSION "\n");
  if (is_either(name, "help", "-h")) return help(argc > 2 ? argv[2] : NULL);
  const struct command *command = find(name);
  if (!command) return no_such_command(name);
  return command->run(argc - 1, argv + 1);
}
