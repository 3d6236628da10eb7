/*
 * ws/test_extension.c - the negotiation of permessage-deflate, in either role.
 */
#include <stdio.h>
#include <string.h>

#include "engine/ws/extension.h"
#include "engine/ws/limits.h"
#include "tests/support/cmocka.h"

enum { FIELDS = 4 };

#define PMD "permessage-deflate"

static const struct ws_deflate_wish off = {.window_bits = 12};
static const struct ws_deflate_wish plain = {.on = true, .window_bits = 12};
static const struct ws_deflate_wish takeover = {.on = true, .takeover = true, .window_bits = 15};

/* One value in a list of fields; a '|' begins another field. */
static struct headers fields_of(const char *text, struct header *at) {
  struct headers headers;
  struct span left = span_text(text), value;
  headers_init(&headers, at, FIELDS, NULL, 0, 65536);
  while (span_cut(left, '|', &value, &left))
    headers_add(&headers, header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, value));
  headers_add(&headers, header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, left));
  return headers;
}

/* Terms as "server 12 client 15", with '-' behind a side that does not keep its window. */
static const char *terms_text(const struct ws_deflate_terms *terms) {
  static char text[64];
  if (!terms->on) return "none";
  snprintf(text, sizeof text, "server %u%s client %u%s", terms->server_bits,
           terms->server_no_takeover ? "-" : "", terms->client_bits,
           terms->client_no_takeover ? "-" : "");
  return text;
}

#define NO_TAKEOVER "; server_no_context_takeover; client_no_context_takeover"

static const struct {
  const char *name, *offer;
  const struct ws_deflate_wish *wish;
  const char *terms, *answer;
} offers[] = {
    {"not wished", PMD, &off, "none", ""},
    {"bare", PMD, &plain, "server 12- client 15-", PMD NO_TAKEOVER},
    {"bare, with takeover", PMD, &takeover, "server 15 client 15", PMD},
    {"Chromium's", PMD "; client_max_window_bits", &plain, "server 12- client 12-",
     PMD NO_TAKEOVER "; client_max_window_bits=12"},
    {"Chromium's, with takeover", PMD "; client_max_window_bits", &takeover, "server 15 client 15",
     PMD},
    {"the client's window is smaller", PMD "; client_max_window_bits=10", &plain,
     "server 12- client 10-", PMD NO_TAKEOVER "; client_max_window_bits=10"},
    {"the client's window is larger", PMD "; client_max_window_bits=15", &plain,
     "server 12- client 12-", PMD NO_TAKEOVER "; client_max_window_bits=12"},
    {"the smallest client's window", PMD "; client_max_window_bits=8", &takeover,
     "server 15 client 8", PMD "; client_max_window_bits=8"},
    {"a window for the server", PMD "; server_max_window_bits=10", &plain, "server 10- client 15-",
     PMD NO_TAKEOVER "; server_max_window_bits=10"},
    {"a large window for the server", PMD "; server_max_window_bits=15", &plain,
     "server 12- client 15-", PMD NO_TAKEOVER "; server_max_window_bits=12"},
    {"a window that zlib has not", PMD "; server_max_window_bits=8", &plain, "none", ""},
    {"the client wants no takeover by the server", PMD "; server_no_context_takeover", &takeover,
     "server 15- client 15", PMD "; server_no_context_takeover"},
    {"the client does not take over", PMD "; client_no_context_takeover", &takeover,
     "server 15 client 15-", PMD "; client_no_context_takeover"},
    {"all of it, quoted and spaced",
     " permessage-deflate ;server_no_context_takeover ; client_no_context_takeover;"
     " server_max_window_bits = \"9\" ;client_max_window_bits=\"9\"",
     &takeover, "server 9- client 9-",
     PMD NO_TAKEOVER "; server_max_window_bits=9; client_max_window_bits=9"},
    {"the second offer", PMD "; server_max_window_bits=8, " PMD, &takeover, "server 15 client 15",
     PMD},
    {"the second field", "x-webkit-deflate-frame|" PMD, &takeover, "server 15 client 15", PMD},
    {"another extension", "x-webkit-deflate-frame", &plain, "none", ""},
    {"a name that begins alike", PMD "2", &plain, "none", ""},
    {"another case", "Permessage-Deflate", &plain, "none", ""},
    {"nothing", "", &plain, "none", ""},
    {"an unknown parameter", PMD "; colour", &plain, "none", ""},
    {"an empty parameter", PMD "; ", &plain, "server 12- client 15-", PMD NO_TAKEOVER},
    {"a parameter without a name", PMD "; =9", &plain, "none", ""},
    {"twice server_no_context_takeover",
     PMD "; server_no_context_takeover; server_no_context_takeover", &plain, "none", ""},
    {"twice client_no_context_takeover",
     PMD "; client_no_context_takeover; client_no_context_takeover", &plain, "none", ""},
    {"twice server_max_window_bits", PMD "; server_max_window_bits=9; server_max_window_bits=9",
     &plain, "none", ""},
    {"twice client_max_window_bits", PMD "; client_max_window_bits; client_max_window_bits=9",
     &plain, "none", ""},
    {"a value where none belongs", PMD "; server_no_context_takeover=1", &plain, "none", ""},
    {"a value where none belongs, 2", PMD "; client_no_context_takeover=true", &plain, "none", ""},
    {"no value where one belongs", PMD "; server_max_window_bits", &plain, "none", ""},
    {"an empty value", PMD "; client_max_window_bits=", &plain, "none", ""},
    {"7 bits", PMD "; client_max_window_bits=7", &plain, "none", ""},
    {"16 bits", PMD "; client_max_window_bits=16", &plain, "none", ""},
    {"a leading zero", PMD "; client_max_window_bits=09", &plain, "none", ""},
    {"a sign", PMD "; client_max_window_bits=+9", &plain, "none", ""},
    {"a huge number", PMD "; server_max_window_bits=99999999999999999999999", &plain, "none", ""},
    {"half a quote", PMD "; server_max_window_bits=\"9", &plain, "none", ""},
    {"an empty quote", PMD "; server_max_window_bits=\"\"", &plain, "none", ""},
};

static void offers_and_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
    struct header at[FIELDS];
    struct headers fields = fields_of(offers[i].offer, at);
    struct ws_deflate_terms terms;
    uint8_t answer[WS_EXTENSION_TEXT_BYTES];
    size_t len = ws_extension_answer(&fields, offers[i].wish, &terms, answer);
    if (strcmp(terms_text(&terms), offers[i].terms) != 0)
      fail_msg("%s: %s", offers[i].name, terms_text(&terms));
    if (!span_is(span_of(answer, len), offers[i].answer))
      fail_msg("%s: %.*s", offers[i].name, (int)len, (const char *)answer);
  }
}

/* Beyond WS_OFFERS_MAX nothing is read. */
static void too_many_offers(void **state) {
  (void)state;
  char text[WS_OFFERS_MAX * 3 + sizeof PMD] = "";
  for (unsigned before = WS_OFFERS_MAX - 1; before <= WS_OFFERS_MAX; before++) {
    text[0] = 0;
    for (unsigned i = 0; i < before; i++)
      strcat(text, "x, ");
    strcat(text, PMD);
    struct header at[FIELDS];
    struct headers fields = fields_of(text, at);
    struct ws_deflate_terms terms;
    uint8_t answer[WS_EXTENSION_TEXT_BYTES];
    (void)ws_extension_answer(&fields, &plain, &terms, answer);
    assert_int_equal(terms.on, before < WS_OFFERS_MAX);
  }
}

static const struct {
  const char *name, *answer;
  const struct ws_deflate_wish *wish;
  const char *terms, *fault;
} answers[] = {
    {"declined", "", &plain, "none", NULL},
    {"as offered", PMD NO_TAKEOVER, &plain, "server 15- client 12-", NULL},
    {"with takeover", PMD, &takeover, "server 15 client 15", NULL},
    {"the server alone drops its window", PMD "; server_no_context_takeover", &plain,
     "server 15- client 12-", NULL},
    {"our window", PMD NO_TAKEOVER "; client_max_window_bits=9", &plain, "server 15- client 9-",
     NULL},
    {"our window is smaller anyway", PMD NO_TAKEOVER "; client_max_window_bits=14", &plain,
     "server 15- client 12-", NULL},
    {"our window is the smallest", PMD NO_TAKEOVER "; client_max_window_bits=8", &plain,
     "server 15- client 8-", NULL},
    {"the server's window", PMD NO_TAKEOVER "; server_max_window_bits=8", &plain,
     "server 8- client 12-", NULL},
    {"not offered", PMD, &off, "none", "the server chose an extension that was not offered"},
    {"another", "x-webkit-deflate-frame", &plain, "none",
     "the server chose an extension that was not offered"},
    {"twice", PMD NO_TAKEOVER ", " PMD, &plain, "",
     "the server chose an extension that was not offered"},
    {"the server keeps its window", PMD, &plain, "none",
     "the server keeps its window between messages"},
    {"our window without a value", PMD NO_TAKEOVER "; client_max_window_bits", &plain, "none",
     "the server's permessage-deflate is malformed"},
    {"an unknown parameter", PMD NO_TAKEOVER "; x", &plain, "none",
     "the server's permessage-deflate is malformed"},
    {"16 bits", PMD NO_TAKEOVER "; server_max_window_bits=16", &plain, "none",
     "the server's permessage-deflate is malformed"},
};

static void answers_mean_what_they_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    struct header at[FIELDS];
    struct headers fields = fields_of(answers[i].answer, at);
    struct ws_deflate_terms terms;
    const char *fault = ws_extension_read(&fields, answers[i].wish, &terms);
    const char *expected = answers[i].fault;
    if (!fault != !expected || (fault && strcmp(fault, expected) != 0))
      fail_msg("%s: %s", answers[i].name, fault ? fault : "accepted");
    if (*answers[i].terms && strcmp(terms_text(&terms), answers[i].terms) != 0)
      fail_msg("%s: %s", answers[i].name, terms_text(&terms));
  }
}

/* Our own server and client agree, whatever each wishes. */
static void both_roles_agree(void **state) {
  (void)state;
  for (unsigned choice = 0; choice < 4 * 7 * 7; choice++) {
    struct ws_deflate_wish client = {true, choice & 1, (uint8_t)(9 + choice / 4 % 7)};
    struct ws_deflate_wish server = {true, choice >> 1 & 1, (uint8_t)(9 + choice / 28)};
    uint8_t offer[WS_EXTENSION_TEXT_BYTES], answer[WS_EXTENSION_TEXT_BYTES];
    struct ws_deflate_terms ours, theirs;
    struct header field = header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS,
                                    span_of(offer, ws_extension_offer(&client, offer)));
    struct headers fields = {.at = &field, .count = 1};
    field.value = span_of(answer, ws_extension_answer(&fields, &server, &ours, answer));
    assert_null(ws_extension_read(&fields, &client, &theirs));
    assert_true(ours.on && theirs.on);
    assert_int_equal(ours.server_no_takeover, theirs.server_no_takeover);
    assert_int_equal(ours.client_no_takeover, theirs.client_no_takeover);
    assert_true(theirs.client_bits <= ours.client_bits && ours.server_bits <= theirs.server_bits);
  }
  assert_int_equal(ws_extension_offer(&off, NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(offers_and_answers),
      cmocka_unit_test(too_many_offers),
      cmocka_unit_test(answers_mean_what_they_say),
      cmocka_unit_test(both_roles_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
