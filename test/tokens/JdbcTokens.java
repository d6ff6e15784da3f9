import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * Works on a ward with what it is given for people's columns, values or tokens, and prints what came of it: lines
 * "answer NAME=…" and "shown …".
 */
final class JdbcTokens {
  private record Column(String name, String type) {}

  private static final List<Column> COLUMNS =
      List.of(
          new Column("full_name", "text"),
          new Column("nickname", "varchar"),
          new Column("ssn", "varchar"),
          new Column("email", "text"),
          new Column("phone", "text"),
          new Column("record_no", "int4"),
          new Column("account", "int8"),
          new Column("policy", "numeric"),
          new Column("external", "uuid"));
  /** The driver prepares on the server, and fetches in binary, from the fifth execution on. */
  private static final int EXECUTIONS = 8;

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    properties.setProperty("sslmode", "verify-full");
    properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
    if (arguments.length > 0) properties.setProperty("preferQueryMode", arguments[0]);
    String url = "jdbc:postgresql://localhost:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      for (Column column : COLUMNS) lookUp(connection, column);
      write(connection);
      transactions(connection);
    }
  }

  private static void lookUp(Connection connection, Column column) throws SQLException {
    String name = column.name();
    answer(name + " equal", repeated(connection, "select id from ward.person where " + name + " = ? order by id", name));
    answer(
        name + " joined",
        repeated(
            connection,
            "select v.id from ward.person p join ward.visit v using (" + name + ") where p." + name + " = ? order by v.id",
            name));
    Object seven = valueOf(connection, name, 7);
    Object nine = valueOf(connection, name, 9);
    answer(
        name + " in", ids(connection, "select id from ward.person where " + name + " in (?, ?) order by id", seven, nine));
    answer(
        name + " not",
        ids(connection, "select id from ward.person where " + name + " <> ? and " + name + " is distinct from ? order by id", seven, nine));
    Array both = connection.createArrayOf(column.type(), new Object[] {seven, nine});
    answer(name + " any", ids(connection, "select id from ward.person where " + name + " = any (?) order by id", both));
    answer(
        name + " updated",
        List.of(update(connection, "update ward.visit set kind = 'seen' where " + name + " = ?", seven)));
    answer(
        name + " stored", List.of(update(connection, "update ward.visit set " + name + " = ? where id in (40, 41)", nine)));
  }

  /** One prepared statement, with one person's value after the other's. */
  private static List<Object> repeated(Connection connection, String sql, String column) throws SQLException {
    List<Object> found = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(sql);
        PreparedStatement read = connection.prepareStatement("select " + column + " from ward.person where id = ?")) {
      for (int person = 2; person < 2 + EXECUTIONS; person++) {
        read.setInt(1, person);
        try (ResultSet row = read.executeQuery()) {
          row.next();
          statement.setObject(1, see(row.getObject(1)));
        }
        found.add(idsOf(statement));
      }
    }
    return found;
  }

  private static void write(Connection connection) throws SQLException {
    String names = String.join(", ", COLUMNS.stream().map(Column::name).toList());
    List<Object[]> rows = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("select " + names + " from ward.person where id in (3, 7, 9) order by id")) {
      while (result.next()) {
        Object[] row = new Object[COLUMNS.size()];
        for (int i = 0; i < row.length; i++) row[i] = see(result.getObject(i + 1));
        rows.add(row);
      }
    }
    String marks = ", ?".repeat(COLUMNS.size());
    try (PreparedStatement statement =
        connection.prepareStatement("insert into ward.visit (id, kind, " + names + ") values (?, 'batch'" + marks + ")")) {
      for (int n = 0; n < 30; n++) {
        statement.setInt(1, 500 + n);
        Object[] row = rows.get(n % rows.size());
        for (int i = 0; i < row.length; i++) statement.setObject(i + 2, row[i]);
        statement.addBatch();
      }
      answer("batch", List.of(statement.executeBatch().length));
    }
    try (PreparedStatement statement =
        connection.prepareStatement(
            "insert into ward.visit (id, full_name) values (600, ?)", Statement.RETURN_GENERATED_KEYS)) {
      statement.setObject(1, rows.get(0)[0]);
      statement.executeUpdate();
      try (ResultSet keys = statement.getGeneratedKeys()) {
        keys.next();
        answer("returned", List.of(see(keys.getString("full_name")).equals(rows.get(0)[0])));
      }
    }
    answer(
        "upserted",
        List.of(
            update(
                connection,
                "insert into ward.visit (id, full_name) values (600, ?) on conflict (id) do update set full_name = excluded.full_name",
                rows.get(1)[0])));
    answer("found", ids(connection, "select id from ward.visit where full_name = ? order by id", rows.get(1)[0]));
    try (Statement statement = connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_UPDATABLE);
        ResultSet result = statement.executeQuery("select id, kind, full_name from ward.visit where id = 44")) {
      result.next();
      result.updateString("full_name", (String) rows.get(2)[0]);
      result.updateRow();
      answer("updatable", List.of(result.getString("full_name").equals(rows.get(2)[0])));
    }
  }

  private static void transactions(Connection connection) throws SQLException {
    Object name = valueOf(connection, "full_name", 7);
    connection.setAutoCommit(false);
    update(connection, "update ward.visit set full_name = ? where id = 30", name);
    Savepoint savepoint = connection.setSavepoint();
    update(connection, "delete from ward.visit where full_name = ?", name);
    answer("none left", ids(connection, "select id from ward.visit where full_name = ?", name));
    connection.rollback(savepoint);
    connection.commit();
    List<Object> fetched = new ArrayList<>();
    // In pieces, through a portal.
    try (PreparedStatement statement =
        connection.prepareStatement("select id, full_name from ward.visit where full_name <> ? order by id")) {
      statement.setFetchSize(3);
      statement.setObject(1, name);
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          see(result.getString(2));
          fetched.add(result.getInt(1));
        }
      }
    }
    answer("fetched", fetched);
    connection.commit();
    connection.setAutoCommit(true);
  }

  private static Object valueOf(Connection connection, String column, int person) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("select " + column + " from ward.person where id = ?")) {
      statement.setInt(1, person);
      try (ResultSet result = statement.executeQuery()) {
        result.next();
        return see(result.getObject(1));
      }
    }
  }

  private static List<Object> ids(Connection connection, String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) set(statement, i + 1, values[i]);
      return idsOf(statement);
    }
  }

  private static List<Object> idsOf(PreparedStatement statement) throws SQLException {
    List<Object> found = new ArrayList<>();
    try (ResultSet result = statement.executeQuery()) {
      while (result.next()) found.add(result.getInt(1));
    }
    return found;
  }

  private static int update(Connection connection, String sql, Object value) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      set(statement, 1, value);
      return statement.executeUpdate();
    }
  }

  private static void set(PreparedStatement statement, int at, Object value) throws SQLException {
    if (value instanceof Array array) statement.setArray(at, array);
    else if (value instanceof BigDecimal number) statement.setBigDecimal(at, number);
    else statement.setObject(at, value);
  }

  private static Object see(Object value) {
    System.out.println("shown " + value);
    return value;
  }

  private static void answer(String name, List<Object> values) {
    System.out.println("answer " + name + "=" + values);
  }
}
