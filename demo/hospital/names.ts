/**
 * Names for made-up people: common ones from many languages, written down by hand, combined at random. Any likeness to a
 * person is chance.
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/)

export const FEMALE_NAMES = words(`
  Abigail Adaeze Aisha Alejandra Alice Amara Amelia Ana Anjali Anna Aoife Arya Astrid Ayesha Beatriz Bianca Brianna Camila
  Carmen Caroline Chiara Chloe Claire Daniela Deborah Diana Ebony Elena Elif Elizabeth Emily Emma Esperanza Esther Eun-ji
  Eva Evelyn Fatima Fiona Frida Gabriela Grace Hana Hannah Harper Heather Helen Imani Ines Ingrid Irene Isabel Ivy Jada
  Jasmine Jing Joan Josephine Joy Julia Kamala Karen Katarzyna Keiko Khadija Kimberly Lakshmi Latoya Laura Layla Leilani
  Leticia Lin Linda Lucía Luz Madison Mai Margaret María Marisol Martha Maya Mei Mercedes Mia Miriam Naledi Naomi Natalia
  Ngozi Nia Nicole Nora Olga Olivia Oluchi Paloma Parisa Patricia Phuong Priya Rachel Raquel Rebecca Rosa Ruth Sakura Salma
  Samira Sandra Sara Shanice Shira Simone Siobhán Sofia Soo-jin Sunita Svetlana Tamika Tanya Teresa Thandiwe Thi Tova Uma
  Valentina Vera Victoria Wanda Wangari Xiomara Yara Yasmin Yolanda Yuki Zainab Zhen Zoë Zuri
`)

export const MALE_NAMES = words(`
  Aaron Abdul Adam Ahmed Akira Alberto Alexander Amir Anders André Andrew Anthony Antonio Arjun Ben Benjamin Bilal Brian
  Carlos Cedric Charles Chen Chidi Christopher Connor Curtis Damian Daniel Darnell David DeShawn Diego Dmitri Edgar Eduardo
  Edward Elijah Emeka Emre Enrique Eric Ethan Farid Felipe Fernando Finn Francisco Frank Gabriel George Gerald Giovanni
  Hamza Harold Hassan Hector Henry Hiroshi Hugo Ian Ibrahim Isaac Ivan Jack Jacob Jamal James Jarrod Javier Jerome Jesús Jin
  Joaquín Joel John Jorge José Joseph Joshua Juan Kai Karim Keanu Keith Kenji Kevin Khalid Kofi Kwame Lamar Larry Leon Liam
  Logan Lucas Luis Magnus Malik Manuel Marcus Mario Mark Mateo Matthew Mehmet Miguel Min-jun Mohammed Moses Nathan Nikolai
  Noah Oleg Oliver Omar Oscar Owen Patrick Paul Pedro Peter Quan Rafael Raj Ramón Ravi Raymond Reza Ricardo Robert Rohan
  Roland Ronald Samuel Santiago Sean Sergio Simon Stephen Sunil Søren Tariq Terrence Thabo Theodore Thomas Timothy Tomasz
  Trung Tyrone Victor Vikram Vincent Walter Wei William Xavier Yaw Yusuf Zachary Ömer Łukasz
`)

export const LAST_NAMES = words(`
  Abara Abdi Abe Acosta Adams Adeyemi Agarwal Aguilar Ahmed Ali Allen Alvarez Andersen Anderson Appiah Bailey Baker Banerjee
  Barnes Begay Bell Bennett Bernstein Bhatt Bianchi Blackwell Boateng Brooks Brown Bui Butler Campbell Carter Castillo Castro
  Chan Chang Chavez Chen Cho Choi Chowdhury Clark Cohen Coleman Collins Cook Cooper Cruz Dang Das Davis Delgado Desai Diaz
  Dlamini Edwards El-Sayed Espinoza Evans Feldman Fernandez Flores Fofana Foster Freeman Friedman Fujimoto Garcia Gebre
  Goldberg Gomez Gonzalez Gray Greene Gupta Gutierrez Ha Haddad Haile Hall Hansen Harris Hassan Hernandez Herrera Hill Ho
  Hoang Horvath Howard Huang Hughes Hussain Ibrahim Ito Ivanov Jackson James Jansen Jenkins Jensen Jimenez Johnson Jones
  Joseph Kamara Kang Kaplan Kaur Keita Kelly Khan Kim King Kowalski Kumar Lam Larsen Le Lee Levy Lewis Li Lin Liu Lopez
  MacDonald Malik Marino Martin Martinez Mbeki McCarthy Medina Mehta Mendoza Mensah Meyer Miller Mitchell Mohamed Molina
  Moore Morales Moreno Morgan Morris Müller Murphy Murray Mwangi Nakamura Navarro Nelson Ng Ngo Nguyễn Nielsen Novak Nwosu
  O'Brien O'Connor Odhiambo Okafor Olsen Ortiz Osei Owens Padilla Papadopoulos Park Parker Patel Pereira Perez Peterson Pham
  Phillips Popescu Powell Price Qureshi Rahman Ramirez Ramos Rao Reed Reyes Reynolds Richardson Rivera Roberts Robinson
  Rodriguez Rogers Romero Rosen Rossi Ruiz Russell Saito Salazar Sanchez Sanders Santos Sato Schmidt Schneider Scott Shah
  Shapiro Sharma Silva Simmons Singh Smith Smith-Jones Sokolov Soto Stewart Sullivan Suzuki Takahashi Tanaka Taylor Tesfaye
  Thomas Thompson Torres Tran Traoré Tsosie Turner Vargas Vasquez Vega Villanueva Vu Walker Wang Ward Washington Watanabe
  Watson Weber Weiss White Whitehorse Williams Wilson Wong Wood Wright Wu Xu Yamamoto Yang Yazzie Yilmaz Young Zhang Zhao
  Zimmerman
`)

/** As it may stand in an e-mail address: ASCII letters only. */
export function asciiName(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll('ø', 'o')
    .replaceAll('Ł', 'L')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase()
}
