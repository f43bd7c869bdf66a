/* help_completion.c - shell completions.  Each is a few lines that ask `ward --complete` what the
   word under the cursor may become (complete.h): what a shell knows of Ward is never older than
   the program. */
#include <stdio.h>

#include "cmd/help.h"

/* Bash cuts words at "=" and ":" too and replaces only what stands behind: the line is cut here
   at white space, and what bash keeps is taken off again. */
static const char bash[] =
    "_ward()\n"
    "{\n"
    "    local line=${COMP_LINE:0:COMP_POINT} word kept= value\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
    "    word=${words[${#words[@]}-1]}\n"
    "    [[ $COMP_WORDBREAKS == *=* && $COMP_WORDBREAKS == *:* && $word == *[=:]* ]] &&\n"
    "        kept=${word%\"${word##*[=:]}\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r value; do\n"
    "        case $value in\n"
    "        :files) compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r value; do COMPREPLY+=(\"$value\"); done < <(compgen -f -- "
    "\"${word#\"$kept\"}\") ;;\n"
    "        :folders) compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r value; do COMPREPLY+=(\"$value\"); done < <(compgen -d -- "
    "\"${word#\"$kept\"}\") ;;\n"
    "        *) value=${value%%$'\\t'*}; COMPREPLY+=(\"${value#\"$kept\"}\") ;;\n"
    "        esac\n"
    "    done < <(ward --complete \"${words[@]:1}\" 2>/dev/null)\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
    "    return 0\n"
    "}\n"
    "complete -F _ward ward\n";

static const char zsh[] =
    "#compdef ward\n"
    "_ward()\n"
    "{\n"
    "    local line value about\n"
    "    local -a plain open given\n"
    "    given=(\"${(@)words[2,CURRENT-1]}\")\n"
    "    for line in \"${(@f)$(ward --complete \"${(@)given}\" \"$PREFIX\" 2>/dev/null)}\"; do\n"
    "        value=${line%%$'\\t'*}\n"
    "        about=${line#*$'\\t'}\n"
    "        case $value in\n"
    "        '') ;;\n"
    "        :files) _files ;;\n"
    "        :folders) _files -/ ;;\n"
    "        *=) open+=(\"$value\") ;;\n"
    "        *) plain+=(\"${value//:/\\\\:}:$about\") ;;\n"
    "        esac\n"
    "    done\n"
    "    (( ${#open} )) && compadd -S '' -- \"${(@)open}\"\n"
    "    (( ${#plain} )) && _describe ward plain\n"
    "    return 0\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _ward ]; then\n"
    "    _ward \"$@\"\n"
    "else\n"
    "    compdef _ward ward\n"
    "fi\n";

static const char fish[] = "function __ward_complete\n"
                           "    set -l given (commandline -opc)\n"
                           "    set -l word (commandline -ct)\n"
                           "    set -e given[1]\n"
                           "    for line in (ward --complete $given \"$word\" 2>/dev/null)\n"
                           "        switch $line\n"
                           "            case :files\n"
                           "                __fish_complete_path \"$word\"\n"
                           "            case :folders\n"
                           "                __fish_complete_directories \"$word\"\n"
                           "            case '*'\n"
                           "                printf '%s\\n' $line\n"
                           "        end\n"
                           "    end\n"
                           "end\n"
                           "complete -c ward -f -a '(__ward_complete)'\n";

void help_bash(FILE *out)
{
    fputs(bash, out);
}

void help_zsh(FILE *out)
{
    fputs(zsh, out);
}

void help_fish(FILE *out)
{
    fputs(fish, out);
}
