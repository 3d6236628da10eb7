/*
 * fetch.c - the client: fetches one URL and writes its body to standard output.
 *
 *     fetch ORIGIN PATH        fetch http://127.0.0.1:8080 /
 */
#include <stdio.h>

#include <weir/weir.h>

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: fetch ORIGIN PATH\n"), 2;
  char error[WEIR_ERROR_BYTES] = "";
  struct weir_client_settings settings = {.origin = argv[1], .timeout_seconds = 10};
  struct weir_client *client = weir_client_open(&settings, error, sizeof error);
  if (!client) return fprintf(stderr, "fetch: %s\n", error), 1;

  struct weir_response response;
  bool complete = weir_client_fetch(client, &(struct weir_request){.path = argv[2]}, &response);
  if (complete) {
    const char *type = weir_response_field(&response, "content-type");
    fprintf(stderr, "%u %s\n", response.status, type ? type : "");
    fwrite(response.body, 1, response.body_len, stdout);
  } else {
    fprintf(stderr, "fetch: %s\n", response.error);
  }
  weir_response_free(&response);
  weir_client_close(client);
  return complete ? 0 : 1;
}
