/*
 * serve/service/test_user.c - users that do not exist. tests/e2e/test_supervision.py becomes one that does.
 */
#include "tools/serve/service/user.h"

#include <unistd.h>

#include "tests/support/cmocka.h"

/* Nothing is given up when the name is wrong. */
static void test_no_such_user(void **state) {
  (void)state;
  static const struct {
    const char *user, *error;
  } rows[] = {
      {"", "--user \"\": expected NAME or NAME:GROUP"},
      {":nogroup", "--user :nogroup: expected NAME or NAME:GROUP"},
      {"nobody:", "--user nobody:: expected NAME or NAME:GROUP"},
      {"no-such-user", "--user no-such-user: there is no such user"},
      {"nobody:no-such-group", "--user no-such-group: there is no such group"},
      {"4000000001",
       "--user 4000000001: no such user is known, so it needs a group: 4000000001:GROUP"},
      {"4294967295", "--user 4294967295: there is no such user"}, /* to the kernel: no change */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct io_error error;
    uid_t before = geteuid();
    assert_false(user_become(rows[i].user, &error));
    assert_string_equal(error.text, rows[i].error);
    assert_int_equal(geteuid(), before);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_such_user)};
  return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
