# man.awk - turns what `weir COMMAND --help` prints into the command's manual page, so that the two never differ.
#
#     weir serve --help | awk -f man.awk -v command=serve -v version=0.1.0 -v summary='serve files' > weir-serve.1
#
# Further topics, as of `weir load --help=TOPIC`, follow after a line "TOPIC name". The layout of a help:
# "Usage:" lines; paragraphs; titles, above options ("  -o, --option VALUE   text", the text in column 26) or above
# terms or examples.

function escape(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}

function say(text) { print escape(text) }

function end_block() {
  if (block) print ".fi"
  block = 0
}

function begin_block() {
  if (!block) print ".nf"
  block = 1
}

function section(title) {
  end_block()
  print ".SH " toupper(title)
  described = 1
}

function describe() {
  if (!described) section("description")
}

# The term of an option or of an operand, and the beginning of its text, if that is in the same line.
function term(line,    text, at) {
  end_block()
  text = ""
  # A term that ends right before the column of texts; one in quotation marks may go on there.
  if (line ~ /^ +-/ && line !~ /'/ && substr(line, 25, 2) ~ /^ [^ ]/)
    line = substr(line, 1, 25) " " substr(line, 26)
  sub(/^ +/, "", line)
  at = match(line, /   *[^ ]/)
  if (at > 0) {
    text = substr(line, at)
    sub(/^ +/, "", text)
    line = substr(line, 1, at - 1)
  }
  print ".TP"
  print ".B " escape(line)
  if (text != "") say(text)
}

BEGIN {
  printf ".\\\" Generated from `weir %s --help` by tools/generate/man.awk.\n", command
  printf ".TH WEIR\\-%s 1 \"\" \"weir %s\" \"User Commands\"\n", toupper(command), version
  print ".SH NAME"
  printf "weir\\-%s \\- %s\n", command, escape(summary)
}

/^Usage: / {
  print ".SH SYNOPSIS"
  usage = 1
  sub(/^Usage: /, "")
  print ".B " escape($0)
  next
}

usage && /^ +weir / {
  sub(/^ +/, "")
  print ".br"
  print ".B " escape($0)
  next
}

/^TOPIC / {
  end_block()
  section(escape($2 " (weir " command " --help=" $2 ")"))
  held = ""
  next
}

/^$/ {
  usage = 0
  end_block()
  if (held != "") describe()
  if (held != "") say(held)
  held = ""
  blank = 1
  next
}

/^Exit status: / {
  if (held != "") describe()
  if (held != "") say(held)
  held = ""
  section("exit status")
  sub(/^Exit status: /, "")
  say($0)
  next
}

# A line that begins at the margin: a title if an indented line follows, else a paragraph.
/^[^ ]/ {
  if (held != "") {
    describe()
    if (paragraph) print ".PP"
    say(held)
    paragraph = 0
  } else {
    paragraph = blank
  }
  held = $0
  blank = 0
  next
}

# An indented line right below one at the margin: that was the title.
held != "" {
  section(escape(held))
  held = ""
  examples = /^  +(weir|kubectl) /
}

examples {
  begin_block()
  say($0)
  next
}

/^  ? ? ? ? ?-/ || /^  [^ ]/ {
  term($0)
  next
}

# A text that is laid out in columns keeps its layout.
/^ +[^ ].*   *[^ ]/ || (match($0, /^ +/) && RLENGTH > 25) {
  begin_block()
  say(substr($0, 26))
  next
}

{
  end_block()
  sub(/^ +/, "")
  say($0)
}

END {
  end_block()
  if (held != "") {
    describe()
    say(held)
  }
  print ".SH SEE ALSO"
  print ".BR weir (1)"
}
