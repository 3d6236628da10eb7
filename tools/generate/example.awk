# example.awk - writes the annotated example configuration from the table of all settings.
#
#     awk -f example.awk tools/serve/config/table.c > weir.yaml
#
# Three lines are in force; the others show each setting, behind a #. Settings of a certificate, a host or a route
# stand in a list of such parts. The list of routes begins with path; what may stand anywhere and comes before it is at
# the top.

function value_of(line) {
  sub(/^[^"]*"/, "", line)
  sub(/",?}?,? *$/, "", line)
  gsub(/\\"/, "\"", line)
  return line
}

function title(text) {
  if (text != "") printf "\n# ---- %s ----\n", text
}

# The first key of a part begins its entry in the list.
function put(indent, dash) {
  printf "\n# %s%s%s\n", meaning, standard == "" ? "" : " (default ", standard == "" ? "" : standard ")"
  printf "#%s%s%s: %s\n", indent, dash, name, sample
}

function finish(    part) {
  if (name == "") return
  if (scopes ~ /CERTIFICATE/) part = "certificates"
  else if (scopes ~ /HOST/ ) part = "hosts"
  else if (scopes ~ /CONFIG_ROUTE/ || (scopes ~ /ANYWHERE/ && "routes" in seen)) part = "routes"
  if (part == "") {
    title(heading)
    heading = ""
    put("", "")
  } else {
    if (!(part in seen)) {
      title(heading)
      heading = ""
      if (part == "routes") {
        print "\n# Hosts have routes of their own; without hosts, these count for all names. What a route does, it has from"
        print "# its host or from the top of the file, if it does not say so itself; with rules alone, it serves its host's"
        print "# directory."
      }
      printf "#%s:\n", part
    }
    put("  ", part in seen ? "  " : "- ")
    seen[part] = 1
  }
  name = ""
}

BEGIN {
  print "# The configuration of weir serve, for `weir serve --config FILE`. Every setting is an option, too: man weir-serve."
  print "# What begins with # is an example or the default."
  print ""
  print "# A socket that systemd passes on goes to the listener that has its address; see weir.socket."
  print "http: \":80\""
  print ""
  print "# Without a certificate, weir makes one that only its own machine trusts."
  print "https: \":443\""
  print ""
  print "directory: /var/www/html"
}

/^const struct config_key config_keys/ { inside = 1 }
!inside { next }
/^};/ { finish(); inside = 0; next }

/\/\* ---- / {
  finish()
  heading = $0
  sub(/^ *\/\* ---- /, "", heading)
  sub(/ ----.*/, "", heading)
}

/\{\.name = / { finish(); name = value_of($0); scopes = standard = meaning = sample = "" }
/\.scopes = / { scopes = $0 }
/\.standard = / { standard = value_of($0) }
/\.meaning = *$/ { getline; meaning = value_of($0) }
/\.meaning = "/ { meaning = value_of($0) }
/\.sample = *$/ { getline; sample = value_of($0) }
/\.sample = "/ { sample = value_of($0) }
