/*
 * load/json_options.c - the options of a run as JSON; see load/json_parts.h.
 */
#include "tools/load/json_parts.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/command.h"
#include "tools/load/stages.h"

static json_t *strings(char *const *texts, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, load_json_text(texts[i]));
  return list;
}

static json_t *fields_of(const struct load_options *options) {
  json_t *list = json_array();
  for (unsigned i = 0; i < options->field_count; i++)
    json_array_append_new(
        list, json_stringn(options->fields[i], load_command_field_bytes(options->fields[i])));
  return list;
}

static json_t *nanoseconds(double seconds) {
  return json_integer((json_int_t)(seconds * 1e9 + 0.5));
}

static const char *const flows[] = {[FLOW_ECHO] = "echo",
                                    [FLOW_THRESHOLD] = "threshold",
                                    [FLOW_CONSUME] = "consume",
                                    [FLOW_AUTO] = "auto"};

static json_t *arrivals_of(const struct load_options *options) {
  char text[LOAD_TEXT_BYTES];
  return json_string(load_arrivals_text(options, text));
}

static json_t *stages_of(const struct load_options *options) {
  json_t *list = json_array();
  for (unsigned i = 0; i < options->stage_count; i++)
    json_array_append_new(list, load_json_text(options->stages[i].text));
  return list;
}

static const char *const versions[] = {
    [CLIENT_HTTP2] = "h2", [CLIENT_HTTP1] = "http/1.1", [CLIENT_HTTP2_OR_1] = "h2, http/1.1"};

json_t *load_json_options(const struct load_options *options) {
  const struct {
    const char *name;
    json_t *value;
  } rows[] = {
      {"urls", strings(options->urls, options->url_count)},
      {"requests", json_integer((json_int_t)options->requests)},
      {"duration_ns", nanoseconds(options->duration_seconds)},
      {"warm_up_ns", nanoseconds(options->warm_up_seconds)},
      {"start_unix_ns", json_integer(options->start_unix_ns)},
      {"connections", json_integer(options->connections)},
      {"streams", json_integer(options->streams)},
      {"threads", json_integer(options->threads)},
      {"rate", json_real(options->rate)},
      {"connect_rate", json_real(options->connect_rate)},
      {"requests_per_connection", json_integer(options->requests_per_connection)},
      {"replay_speed", json_real(options->replay ? options->speed : 0)},
      {"begin_rate", json_real(options->begin_rate)},
      {"arrivals", arrivals_of(options)},
      {"seed",
       options->arrivals == LOAD_POISSON ? json_integer((json_int_t)options->seed) : json_null()},
      {"stages", stages_of(options)},
      {"timeout_ns", nanoseconds(options->timeout_seconds)},
      {"batch_wait_ns",
       options->batch_wait_seconds < 0 ? json_null() : nanoseconds(options->batch_wait_seconds)},
      {"header", fields_of(options)},
      {"data", load_json_text(options->data_path)},
      {"input", load_json_text(options->input_path)},
      {"data_csv", load_json_text(options->csv_path)},
      {"connect_to", load_json_text(options->connect_to)},
      {"stream_window", json_integer(load_options_stream_window(options))},
      {"connection_window", json_integer(load_options_connection_window(options))},
      {"flow", json_string(flows[options->flow])},
      {"versions", json_string(versions[options->versions])},
      {"upgrade", json_boolean(options->upgrade)},
      {"ws", json_boolean(options->ws)},
      {"message_bytes_min", json_integer(options->message_bytes_min)},
      {"message_bytes_max", json_integer(options->message_bytes_max)},
      {"message_text", json_boolean(options->message_text)},
      {"subprotocol", load_json_text(options->subprotocol)},
      {"insecure", json_boolean(options->insecure)},
      {"sni", load_json_text(options->sni)},
      {"cert", load_json_text(options->cert_path)},
      {"ciphers", load_json_text(options->ciphers)},
      {"groups", load_json_text(options->groups)},
      {"tls_resume", json_boolean(options->tls_resume)},
  };
  json_t *object = json_object();
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    json_object_set_new(object, rows[i].name, rows[i].value);
  return object;
}
