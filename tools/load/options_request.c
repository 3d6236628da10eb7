/*
 * load/options_request.c - what to request.
 */
#include <string.h>

#include "tools/common/option_values.h"
#include "tools/load/options_rows.h"

/* Fields that belong to the connection or follow from the body are made by weir load alone. To leave them out without
 * a word would measure something else than what was asked for. NULL: the field is the user's. */
static const char *why_not(const char *text) {
  char name[OPTION_FIELD_NAME_BYTES];
  struct header field;
  if (!option_field_read(text, name, &field)) return NULL;
  switch (field.token) {
  case TOKEN_CONTENT_LENGTH: return "it is made from the body: see -d";
  case TOKEN_UPGRADE: return "see --upgrade and --ws";
  case TOKEN_TRANSFER_ENCODING: return "bodies have a Content-Length";
  case TOKEN_CONNECTION:
  case TOKEN_KEEP_ALIVE:
  case TOKEN_PROXY_CONNECTION:
    if (span_is_ignoring_case(field.value, "close"))
      return "to close connections: --requests-per-connection 1";
    return NULL; /* they are kept */
  default: return NULL;
  }
}

/* A field, or one of the two pseudo-header fields that may differ from the URL. */
static bool add_field(struct options *parser, struct load_options *options, char *text) {
  if (options->field_count == LOAD_FIELDS_MAX)
    return options_wrong(parser, "more than %d fields", LOAD_FIELDS_MAX);
  const char *value = load_options_pseudo(text, NULL);
  if (!(value ? *value != 0 && option_field_check(text + 1) : option_field_check(text)))
    return options_wrong(parser, "expected \"name: value\"");
  const char *why = value ? NULL : why_not(text);
  if (why) return options_wrong(parser, "%s", why);
  options->fields[options->field_count++] = text;
  return true;
}

static bool set_speed(struct options *parser, struct load_options *options, char *text) {
  if (option_rate(text, &options->speed) && !strchr(text, '/') &&
      options->speed >= LOAD_SPEED_MIN && options->speed <= LOAD_SPEED_MAX)
    return true;
  return options_wrong(parser, "expected a number from %g to %g, such as 2 or 0.5", LOAD_SPEED_MIN,
                       LOAD_SPEED_MAX);
}

static const struct load_option rows[] = {
    {"header", 'H', "FIELD", LOAD_TAKE(add_field),
     "add a request field, \"name: value\", or replace a default.\n"
     "May be repeated; each is sent. \":method: HEAD\" and\n"
     "\"host: HOST\" (or :authority) override the URL"},
    {"data", 'd', "FILE", LOAD_FILE(data_path), "POST the content of FILE"},
    {"input-file", 'i', "FILE", LOAD_FILE(input_path),
     "make the requests of FILE, or - for standard input: URLs,\n"
     "vegeta's http or JSON form, or a HAR. Without -n and -D, each\n"
     "one once. A URL on the command line then only names the server"},
    {"data-csv", 0, "FILE", LOAD_FILE(csv_path),
     "each request uses a row of FILE: {name} in path, fields and\n"
     "body is the value of that column"},
    {"data-csv-once", 0, NULL, LOAD_FLAG(csv_once),
     "end after the last row, instead of beginning again"},
    {"body-variables", 0, NULL, LOAD_FLAG(body_variables),
     "fill in variables in files with bodies, too"},
    {"replay", 0, NULL, LOAD_FLAG(replay),
     "make the requests of -i when the recording says: that of\n"
     "weir serve --record FILE, or a HAR"},
    {"speed", 0, "N", LOAD_TAKE(set_speed), "replay N times as fast: 2, 0.5"},
};

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->input_path && options->url_count > 1)
    return failure_set(failure, "-i takes one URL, which names the server");
  if (options->replay && !options->input_path)
    return failure_set(failure, "--replay needs -i, a recording");
  if (options->replay && options->rate > 0)
    return failure_set(failure, "--replay excludes -r and --stage: the recording has the times");
  if (options->speed != 1 && !options->replay)
    return failure_set(failure, "--speed needs --replay");
  if (options->csv_once && !options->csv_path)
    return failure_set(failure, "--data-csv-once needs --data-csv");
  return true;
}

static const char more[] =
    "Requests from a file (-i)\n"
    "  The form is seen from the file's beginning. Mistakes are told as FILE:LINE. A small\n"
    "  file is checked whole before the run; large ones and pipes are read as streams. With\n"
    "  -n or -D a file begins again at its end; a pipe ends the run. -H replaces fields of\n"
    "  that name, and -d is the body of requests that have none. A URL on the command line\n"
    "  names the server for all requests, whatever host the file names. Without one, the\n"
    "  file's URLs do; those without a host go to the first. The connections are divided\n"
    "  between all servers, and each server gets its requests in the file's order. What is\n"
    "  read as a stream has one server.\n"
    "\n"
    "  URLs, one a line, as in h2load (# begins a comment):\n"
    "      https://localhost:8443/a\n"
    "      /b?c=d\n"
    "  http form of vegeta; a blank line ends a request, @FILE is its body:\n"
    "      POST http://localhost:8080/orders\n"
    "      content-type: application/json\n"
    "      @order.json\n"
    "  JSON of vegeta, one object a line. body is base64; body_text, body_file, body_bytes\n"
    "  (that many zeros), weight (how often, 1 by default) and time_ns are our additions:\n"
    "      {\"method\": \"GET\", \"url\": \"/a\", \"header\": {\"priority\": [\"u=1\"]}, "
    "\"weight\": 3}\n"
    "  HAR, as browsers save it. Requests to other servers than the first are left out.\n"
    "\n"
    "Replaying (--replay)\n"
    "  Requests are due as far apart as their time_ns, divided by --speed, in an open loop.\n"
    "  Choose -c and -m large enough for them. They go to the URL of the command line. A\n"
    "  body has the recorded size, and zeros. The file is made once. A file that is too\n"
    "  large to be kept (some 16 MB) must be in the order of time: sort(1) does that.\n"
    "      weir serve DIR --http localhost:8080 --record rec.jsonl\n"
    "      weir load -i rec.jsonl --replay --speed 2 -c 10 -m 100 http://localhost:8080\n"
    "\n"
    "Variables, in paths, field values and bodies\n"
    "  {seq}         1, 2, 3 ...: no two requests of a run have the same\n"
    "  {rand:1-100}  a random integer from 1 to 100\n"
    "  {uuid}        a random UUID\n"
    "  {name}        a column of --data-csv, whose first row has the names\n"
    "  {{            a brace. One before anything but a letter is plain: {\"id\": {seq}}\n"
    "  {seq}, {uuid} and columns are the same throughout a request. A HAR has none.\n"
    "\n"
    "Examples\n"
    "  weir load -D 10 -c 20 -i urls.txt https://localhost:8443\n"
    "  weir load -n 1000 -H 'x-id: {uuid}' --data-csv users.csv 'http://HOST/users/{id}'\n";

const struct load_option_family load_options_request = {.topic = "requests",
                                                        .title = "What to request",
                                                        LOAD_OPTIONS(rows),
                                                        .check = check,
                                                        .more = more};
