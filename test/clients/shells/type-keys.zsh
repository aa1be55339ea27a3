# Starts a shell in a terminal of its own and types lines into it, each ended with a line feed; \t is a tab.
# $1: the command of the shell, whose prompt is "READY> ". Each line must call a function that prints "GOT<...>END";
# what stands between is printed, one a line.
zmodload zsh/zpty
zpty shell "$1"
zpty -r shell seen '*READY> *'
for keys in "${@:2}"; do
  zpty -w -n shell "${(g::)keys}"$'\n'
  zpty -r shell seen '*GOT<*>END*'
  print -r -- "${${seen##*GOT<}%%>END*}"
done
zpty -d shell
