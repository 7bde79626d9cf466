"""Words that say little about what a question is about, in the languages that customers write in most.

They weigh less in the lexical evidence; none is thrown away, because `not` and `where` do matter.
"""

_WORDS = """
a an the and or of to in on at for from by with is are was were be been am do does did have has had can could will
would shall should may must i me my we us our you your he she it its they them their this that these those there
here what which who whom whose when where why how not no if then than so as about into please any some just also
get got want need

yang dan atau di ke dari untuk dengan pada adalah ini itu saya aku kami kita anda kamu dia mereka apa apakah siapa
kapan mana dimana bagaimana gimana berapa kenapa mengapa bisa boleh dapat akan sudah belum ada tidak tak bukan
nggak gak ga kalau kalo jika juga saja aja ya yg nya dong sih kok min kak mau harus lagi lalu oleh dalam agar
sebagai karena jadi

o os as um uma uns e ou de do da dos das em no na nos nas por para com sem que qual quais quem quando onde como
quanto quanta se meu minha seu sua eu nós você vocês é são foi ser ter tem posso pode não sim mais

el la los las una unos y del en con sin qué cuál cuáles quién cuándo dónde cómo cuánto cuánta si mi su tu yo
nosotros usted ustedes es son fue tener tiene puedo puede sí más lo al le

og eða í á að er eru var ég þú við þið hann hún það þeir hvað hver hvenær hvar hvernig hve ef ekki minn mín til
frá með fyrir um sem get

der die das den dem des ein eine einen einem einer und oder von zu im auf für mit ohne ist sind war wer wann wo wie
warum welche welcher welches wenn ich wir sie es mein ihr kann nicht

ve veya bir bu şu ne kim zaman nerede nasıl neden hangi kaç için ile mi mı mu mü ben biz siz onlar değil var yok
"""

STOPWORDS = frozenset(_WORDS.split())
