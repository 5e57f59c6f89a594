"""The names that people give their columns."""

# Language, names of prompts, names of completions. Compared without case, accents, blanks and underscores.
_USUAL = (
    ("English", "prompt instruction question query input source user human request", ""),
    ("English", "", "completion response output answer reply target assistant gpt bot"),
    ("German", "frage anweisung eingabe", "antwort ausgabe"),
    ("French", "consigne entrée requête", "réponse sortie"),
    ("Spanish", "pregunta instrucción entrada consulta", "respuesta salida"),
    ("Portuguese", "pergunta instrução", "resposta saída"),
    ("Italian", "domanda istruzione ingresso", "risposta uscita"),
    ("Dutch", "vraag opdracht invoer", "antwoord uitvoer"),
    ("Polish", "pytanie polecenie", "odpowiedź"),
    ("Czech", "otázka", "odpověď"),
    ("Swedish, Danish, Norwegian", "fråga spørgsmål spørsmål", "svar"),
    ("Finnish", "kysymys", "vastaus"),
    ("Turkish", "soru", "cevap yanıt"),
    ("Russian, Ukrainian", "вопрос запрос инструкция питання", "ответ відповідь"),
    ("Greek", "ερώτηση", "απάντηση"),
    ("Chinese", "问题 指令 提示 提示词 输入 问 問題 指示", "回答 答案 输出 回复 答 回覆"),
    ("Japanese", "質問 入力 プロンプト", "答え 解答 応答 出力"),
    ("Korean", "질문 지시 입력", "답변 응답 출력 대답"),
    ("Arabic", "سؤال السؤال", "جواب الجواب إجابة الإجابة"),
    ("Persian", "پرسش", "پاسخ"),
    ("Hebrew", "שאלה", "תשובה"),
    ("Hindi", "प्रश्न", "उत्तर"),
    ("Vietnamese", "câuhỏi", "trảlời"),
    ("Indonesian", "pertanyaan", "jawaban"),
    ("rather a task and its solution", "problem", "canonical_solution solution"),
    ("rather a text and its label", "utterance message text document article sentence", ""),
    ("rather a text and its label", "", "label category intent sentiment class summary translation"),
)

# The plainer names first: where a file has several, the first one here is taken.
PROMPTS = tuple(name for _, prompts, _ in _USUAL for name in prompts.split())
COMPLETIONS = tuple(name for _, _, completions in _USUAL for name in completions.split())
CONTINUED = ("instruction", "question")
"""Prompts that are often continued in another column, one of INPUTS."""
INPUTS = ("input", "context")
ANSWERS = ("answers", "responses")
HISTORIES = ("history",)
CONVERSATIONS = ("messages", "conversations", "conversation", "chat", "dialog", "dialogue", "turns")
PREFERENCES = (
    ("chosen", "rejected"),
    ("preferred_output", "non_preferred_output"),
    ("chosen_response", "rejected_response"),
    ("better", "worse"),
    ("accepted", "rejected"),
)
TEXTS = ("text", "content", "document", "texte", "texto", "文本")
LABELS = ("label", "labels", "category", "intent", "sentiment", "class", "klasse", "topic")
LIKED = ("label", "desirable", "liked", "thumbs_up", "kto_tag")
SYSTEMS = ("system", "system_prompt", "system_message")
TOOLS = ("tools", "functions")

# Who speaks, by any of the names in ShareGPT's and OpenAI's files, as templates call them.
SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter", "question"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bing", "bard", "bot", "model", "function_call"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "observation", "function", "ipython"), "tool"),
}
