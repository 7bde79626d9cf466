"""How customers ask for what the tools do, in five languages: the examples by which a tool is recognised."""

COMPLAIN = (
    # Indonesian
    "Saya mau mengadu",
    "saya mau komplain",
    "saya ingin menyampaikan keluhan",
    "tolong buatkan tiket",
    "saya mau lapor masalah",
    "saya mau melaporkan petugas yang kasar",
    "saya kecewa dengan pelayanannya",
    # English
    "I want to file a complaint",
    "I would like to make a complaint",
    "please open a ticket for me",
    "I want to report a problem",
    "I want to report a rude member of staff",
    "a member of staff was rude to me",
    "I am unhappy with the service I got",
    # Portuguese
    "Quero fazer uma reclamação",
    "gostaria de apresentar uma queixa",
    "abra um chamado para mim, por favor",
    "quero relatar um problema",
    "quero reclamar do atendimento",
    "fui mal atendido por um funcionário",
    # Spanish
    "Quiero presentar una queja",
    "quiero poner una reclamación",
    "abra un caso, por favor",
    "quiero reportar un problema",
    "quiero quejarme de la atención",
    "un empleado me trató mal",
    # Icelandic
    "Ég vil leggja fram kvörtun",
    "ég vil kvarta",
    "getið þið opnað mál fyrir mig",
    "ég vil tilkynna vandamál",
)

FIND = (
    # Indonesian
    "bagaimana tiket saya",
    "status tiket saya",
    "sudah sampai mana tiket saya",
    "bagaimana kelanjutan pengaduan saya",
    "bagaimana dengan pengaduan saya",
    "tiket saya sudah diproses belum",
    "pengaduan saya sudah ditindaklanjuti belum",
    "laporan saya sudah diproses",
    # English
    "how is my ticket",
    "what is the status of my ticket",
    "any news on my complaint",
    "what about my complaint",
    "is there any update on my case",
    "has my ticket been dealt with",
    "has anybody looked into my complaint",
    # Portuguese
    "como está o meu pedido",
    "qual é o estado do meu pedido",
    "há novidades sobre a minha reclamação",
    "meu chamado já foi resolvido",
    # Spanish
    "cómo va mi caso",
    "cuál es el estado de mi caso",
    "hay novedades sobre mi queja",
    "ya resolvieron mi caso",
    # Icelandic
    "hvernig gengur með málið mitt",
    "hver er staðan á málinu mínu",
    "eru einhverjar fréttir af kvörtuninni minni",
)

ADD = (
    # Indonesian
    "tolong tambahkan ke tiket saya",
    "saya mau menambahkan informasi ke tiket saya",
    "ada tambahan untuk pengaduan saya",
    "tolong perbarui tiket saya",
    # English
    "please add this to my ticket",
    "I want to add something to my ticket",
    "I have more information for my complaint",
    "please update my ticket",
    # Portuguese
    "acrescente isto ao meu pedido",
    "quero adicionar uma informação ao meu pedido",
    "quero acrescentar ao meu pedido",
    "tenho mais informações sobre a minha reclamação",
    # Spanish
    "añada esto a mi caso",
    "quiero agregar información a mi caso",
    "quiero añadir a mi caso",
    "tengo más datos sobre mi queja",
    # Icelandic
    "bættu þessu við málið mitt",
    "ég vil bæta upplýsingum við málið mitt",
)

CALL = (
    # Indonesian
    "tolong telepon saya",
    "bisa telepon saya besok",
    "saya minta ditelepon",
    "mohon hubungi saya lewat telepon",
    "tolong telepon saya di nomor ini",
    # English
    "please call me",
    "please call me back",
    "call me on this number",
    "can you call me tomorrow morning",
    "give me a ring",
    # Portuguese
    "por favor, ligue para mim",
    "podem ligar-me amanhã",
    "quero receber uma ligação",
    "quero que me liguem",
    "me liga, por favor",
    # Spanish
    "llámeme, por favor",
    "me pueden llamar mañana",
    "quiero que me llamen por teléfono",
    "necesito que me llamen",
    # Icelandic
    "getið þið hringt í mig",
    "vinsamlegast hringið í mig",
)
